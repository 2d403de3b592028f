"""Where pings are kept, and every question about them: `log`, what was committed last; `packed`, what was compacted;
`hot`, what 0.1.0 left. What else is in the file is in the room above."""
