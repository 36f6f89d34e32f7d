"""Real findings for the embedded ECR: what is in an image, against data of the user's. I/O."""
