package main

import (
	"strings"

	"github.com/alecthomas/kong"

	"voted/client"
	"voted/cmd/voted/demo"
	"voted/internal/profilefile"
)

// offered are the values that help and flags take from the client package. A test checks
// that servers accept the same ones.
func offered() kong.Vars {
	return kong.Vars{
		"methods":       choices(client.Methods()),
		"fileKinds":     choices(profilefile.Kinds),
		"formats":       choices(client.Formats()),
		"formatEnum":    joined(client.Formats(), ","),
		"resultFormats": choices(client.ResultsFormats()),
		"election":      demo.DefaultElection,
		"elections":     choices(demo.Elections()),
		"electionEnum":  joined(demo.Elections(), ","),
	}
}

// choices makes "a, b or c".
func choices[T ~string](names []T) string {
	last := len(names) - 1
	return joined(names[:last], ", ") + " or " + string(names[last])
}

func joined[T ~string](names []T, separator string) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = string(n)
	}
	return strings.Join(words, separator)
}
