"""IAM policies: their documents, what they allow, and those that longshore writes. Pure."""
