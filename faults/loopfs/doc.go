// Package loopfs makes small ext4 file systems in image files, mounts them, and
// breaks them: a power cut, a full disk, read-only, frozen. Linux, as root.
//
// They are mounted below a directory of the caller's; the images lie in memory, where
// there is room. Sweep undoes whatever a run that was killed has left mounted below such
// a directory, or in memory under the id of its process, and touches nothing else.
package loopfs
