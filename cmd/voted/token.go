package main

import (
	"fmt"
	"os"

	"voted/internal/auth"
	"voted/internal/usage"
)

type tokenCommands struct {
	New tokenNew `cmd:"" help:"Make a bearer token and add its hash to a file of tokens."`
}

type tokenNew struct {
	Role   string `help:"admin, gateway, reader, auditor or metrics; several with commas between." required:"" placeholder:"ROLE,…"`
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
		return usage.Errorf("--role: %w", err)
	}
	token, line, err := auth.NewToken(roles, c.Name)
	if err != nil {
		return usage.Mark(err)
	}
	if err := auth.AddToken(c.Tokens, line); err != nil {
		return usage.Mark(err)
	}
	s.stdout.Linef("%s", token)
	return nil
}

// writeSecret writes a new file that only its owner may read. An existing file is an error.
func writeSecret(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if os.IsExist(err) {
		return usage.Errorf("the file %s is there already, and a key is never overwritten", path)
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
