package main

import (
	"strings"
	"unicode/utf8"

	"voted/internal/usage"
)

// checkText refuses arguments, and variables that set flags, if they are not UTF-8. Most of
// them end in JSON, which cannot hold such bytes: an encoder replaces each by U+FFFD, so
// two names could become one.
func checkText(args, environ []string) error {
	for i, arg := range args {
		if !utf8.ValidString(arg) {
			return usage.Errorf("argument %d, %q, is not UTF-8; write it in UTF-8 (a file with such a name can be given as -, on the standard input)", i+1, arg)
		}
	}
	for _, v := range environ {
		// The value may be a secret.
		if name, value, _ := strings.Cut(v, "="); strings.HasPrefix(name, envPrefix) && !utf8.ValidString(value) {
			return usage.Errorf("the environment variable %q is not UTF-8; write it in UTF-8", name)
		}
	}
	return nil
}
