//go:build !unix

package console

// Size returns 0 and 0: the size of a window is unknown on this system.
func Size(any) (columns, rows int) { return 0, 0 }
