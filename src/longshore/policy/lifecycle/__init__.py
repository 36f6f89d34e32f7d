"""ECR lifecycle policies: what they may say (`grammar`). Pure."""
