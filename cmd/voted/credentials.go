package main

import (
	"bytes"
	"log/slog"
	"os"
	"strings"

	"voted/client"
	"voted/internal/pki"
	"voted/internal/usage"
)

// credentialFlags are the credentials of commands that talk to a cluster. There is no flag
// for the token itself: other users of a machine can see command lines.
type credentialFlags struct {
	CA        string `help:"CA of the nodes' certificates (default: the system's)." placeholder:"FILE" name:"ca"`
	Cert      string `help:"Client certificate to show." placeholder:"FILE"`
	Key       string `help:"Its key." placeholder:"FILE" secret:""`
	TokenFile string `help:"File that holds a bearer token; the environment variable VOTED_TOKEN may hold it instead." placeholder:"FILE" secret:""`
}

func (f credentialFlags) options() ([]client.Option, error) {
	if (f.Cert == "") != (f.Key == "") {
		return nil, usage.Errorf("--cert and --key go together: the certificate and its key")
	}
	var options []client.Option
	if f.CA != "" || f.Cert != "" {
		config, err := pki.ClientTLS(slog.New(slog.DiscardHandler), pki.Files{Cert: f.Cert, Key: f.Key, CA: f.CA})
		if err != nil {
			return nil, usage.Mark(err)
		}
		options = append(options, client.WithTLSConfig(config))
	}
	token := os.Getenv(envToken)
	if f.TokenFile != "" {
		b, err := os.ReadFile(f.TokenFile)
		if err != nil {
			return nil, fileProblem(f.TokenFile, err)
		}
		token = string(bytes.TrimSpace(b))
	}
	if strings.ContainsAny(token, " \t\r\n") {
		return nil, usage.Errorf("what was given as a token holds blanks or several lines; it must be the token alone")
	}
	if token != "" {
		options = append(options, client.WithToken(func() string { return token }))
	}
	return options, nil
}
