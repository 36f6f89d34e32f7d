import { readFile } from "node:fs";
import express from "express";
const image = "logo:large";
export const upstream = "redis:6379";
fetch(`https://cdn.example/${image}`).then(() => readFile(upstream, () => express()));
