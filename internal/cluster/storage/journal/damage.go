package journal

import (
	"errors"
	"fmt"
)

var (
	// ErrDamaged: what is on disk is not what was written.
	ErrDamaged = errors.New("damaged")
	// ErrLater: a later version wrote it, in a format that this one does not read.
	ErrLater = errors.New("written by a later version of voted")
)

// Damage is an ErrDamaged that names the file.
type Damage struct {
	File string // its name in the log's directory; "" if it is about the directory
	What string
}

// Error implements error. It does not name the file, which the caller may know better.
func (d *Damage) Error() string { return ErrDamaged.Error() + ": " + d.What }

// Unwrap returns ErrDamaged.
func (d *Damage) Unwrap() error { return ErrDamaged }

func damaged(file, format string, args ...any) error {
	return &Damage{File: file, What: fmt.Sprintf(format, args...)}
}
