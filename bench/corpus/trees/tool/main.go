package main

import "fmt"

// FROM golang:1.2 is only a comment.
func main() {
	image := "picture:1"
	fmt.Println("docker run "+image, "localhost:8080")
}
