"""Tests of the room that plans and applies what AWS is to hold."""
