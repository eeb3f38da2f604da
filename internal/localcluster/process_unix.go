//go:build unix && !linux

package localcluster

// awaitStop does nothing: a process stands still a moment after the signal.
func awaitStop(int) {}
