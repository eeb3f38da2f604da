package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// idleCertificates warns of --ca and --cert if every endpoint is plain HTTP: the user
// believes that the connection is protected.
func idleCertificates(c *kong.Context) (sentences []string) {
	var endpoints []string
	var given []string
	for _, f := range c.Flags() {
		switch value := c.FlagValue(f).(type) {
		case []string:
			if f.Name == "endpoint" {
				endpoints = value
			}
		case string:
			if value != "" && (f.Name == "ca" || f.Name == "cert") {
				given = append(given, "--"+f.Name)
			}
		}
	}
	guarded := func(endpoint string) bool { return strings.HasPrefix(strings.TrimSpace(endpoint), "https://") }
	if len(endpoints) == 0 || slices.ContainsFunc(endpoints, guarded) {
		return nil
	}
	for _, flag := range given {
		sentences = append(sentences, flag+" does nothing without an endpoint that begins with https://; the connection is not guarded")
	}
	return sentences
}
