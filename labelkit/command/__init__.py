"""How a command is declared, asked what it takes, and run inside another."""
