//go:build !linux

package loopfs

import (
	"errors"
	"os"
)

var errLinux = errors.New("file systems are broken on Linux only")

// FS is one file system.
type FS struct{ Dir string }

// Make is for Linux only, and so is everything else here.
func Make(string, string, int64) (*FS, error) { return nil, errLinux }

func (f *FS) Mount() error                     { return errLinux }
func (f *FS) Cut() error                       { return errLinux }
func (f *FS) Unmount() error                   { return errLinux }
func (f *FS) PowerOn() error                   { return errLinux }
func (f *FS) ReadOnly(bool) error              { return errLinux }
func (f *FS) Freeze() error                    { return errLinux }
func (f *FS) Thaw() error                      { return errLinux }
func (f *FS) Fill(int64) (func() error, error) { return nil, errLinux }
func (f *FS) Close() error                     { return errLinux }

// Scratch makes a directory below dir.
func Scratch(dir string) (string, error) { return os.MkdirTemp(dir, "scratch-") }

// Sweep finds nothing to undo.
func Sweep(string) error { return nil }
