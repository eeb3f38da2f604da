//go:build unix && !linux

package localcluster

// awaitStop does nothing: a process stops a moment after the signal.
func awaitStop(int) {}
