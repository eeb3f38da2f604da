package main

import (
	"fmt"
	"os"

	"voted/internal/auth"
)

type tokenCommands struct {
	New tokenNew `cmd:"" help:"Make a bearer token and add its hash to a file of tokens."`
}

type tokenNew struct {
	Role   string `help:"admin, gateway, reader or metrics; several with commas between." required:"" placeholder:"ROLE,…"`
	Name   string `help:"What the token is called in the audit log and in limits." required:"" placeholder:"NAME"`
	Tokens string `help:"The file of tokens that nodes read; made if missing." required:"" placeholder:"FILE"`
}

func (tokenNew) Help() string {
	return `The token is printed, once, and is nowhere else: the file holds its hash. Nodes that run read the file again by
themselves; to withdraw a token, take out its line.

    voted token new --role gateway --name gw1 --tokens ./tokens > gw1.token`
}

// Run makes the token. It is printed only once its hash is safe.
func (c *tokenNew) Run(s *session) error {
	roles, err := auth.ParseRoles(c.Role)
	if err != nil {
		return usagef("--role: %w", err)
	}
	token, line, err := auth.NewToken(roles, c.Name)
	if err != nil {
		return usage{err}
	}
	if err := auth.AddToken(c.Tokens, line); err != nil {
		return usage{err}
	}
	s.stdout.Linef("%s", token)
	return nil
}

// writeSecret writes a file that must not be there yet, for its owner's eyes alone.
func writeSecret(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if os.IsExist(err) {
		return usagef("the file %s is there already, and a key is never overwritten", path)
	} else if err != nil {
		return fileProblem(path, err)
	}
	_, err = f.Write(b)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("the file %s cannot be written: %w", path, err)
	}
	return nil
}
