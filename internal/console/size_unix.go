//go:build unix

package console

import (
	"os"

	"golang.org/x/sys/unix"
)

// Size returns how many columns and rows the window of a terminal has now, 0 if w is no
// terminal or its size is unknown.
func Size(w any) (columns, rows int) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(size.Col), int(size.Row)
}
