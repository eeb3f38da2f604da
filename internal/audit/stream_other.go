//go:build !unix

package audit

import "os"

// duplicate opens a standard stream again, so that it can be closed.
func duplicate(stream *os.File) (*os.File, error) {
	return os.OpenFile(stream.Name(), os.O_APPEND|os.O_WRONLY, 0)
}
