// Package loopfs makes small ext4 file systems in image files, mounts them, and breaks
// them: it cuts their power, fills them, freezes them and makes them read-only. It needs
// Linux and root.
//
// File systems are mounted below a directory of the caller's. Their images are in memory if
// there is room. Sweep undoes what a killed run has left: mounts below such a directory, and
// files in memory that carry the id of a process that is gone. It touches nothing else.
package loopfs
