package server

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// checkJoinToken refuses a join token if it could not work.
func (o Options) checkJoinToken() error {
	switch {
	case len(o.Join) == 0:
		return errors.New("--join-token-file does nothing without --join, which names members of the cluster to enter")
	case !o.hasPeerTLS():
		return errors.New("--join-token-file needs --peer-ca, --peer-cert and --peer-key: a token is for the member that its certificate names, and must not be sent in the clear")
	}
	return nil
}

// readJoinToken reads the token. Its errors never contain what is in the file.
func (o Options) readJoinToken() (string, error) {
	b, err := os.ReadFile(o.JoinTokenFile)
	if err != nil {
		return "", fmt.Errorf("--join-token-file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
