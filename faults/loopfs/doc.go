// Package loopfs makes small ext4 file systems in image files, mounts them, and
// breaks them: a power cut, a full disk, read-only, frozen. Linux, as root.
//
// Everything lies below one directory of the caller's: NAME.img is mounted at NAME.
// Sweep undoes whatever a run that was killed has left below such a directory, and
// touches nothing else.
package loopfs
