// Package usage has the error for wrong usage: the caller must change the command line,
// the environment, a file or a directory, and trying again does not help. Programs end
// with an exit code of its own for it.
package usage

import (
	"errors"
	"fmt"
)

// fault marks an error; its text is that error's.
type fault struct{ error }

// Unwrap returns the error that is marked.
func (f fault) Unwrap() error { return f.error }

// Errorf makes an error for wrong usage, as fmt.Errorf does.
func Errorf(format string, args ...any) error { return fault{fmt.Errorf(format, args...)} }

// Mark makes err an error for wrong usage, with the same text; nil stays nil.
func Mark(err error) error {
	if err == nil || Is(err) {
		return err
	}
	return fault{err}
}

// Is reports whether err is, or wraps, an error for wrong usage.
func Is(err error) bool {
	var f fault
	return errors.As(err, &f)
}
