package machine

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// DiskBytes returns the size of all files under a directory.
func DiskBytes(dir string) uint64 {
	var sum uint64
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // it has been removed since
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			sum += uint64(info.Size())
		}
		return nil
	})
	return sum
}

// sectorBytes is the unit of the counts in /sys/block/…/stat, whatever the disk's own is.
const sectorBytes = 512

// WrittenBytes returns how many bytes were written so far to the disk that dir is on: by all
// programs, with what the file system writes for itself. It is 0 if the disk is not counted,
// such as that of a file system in memory. write_bytes in /proc/PID/io would tell programs
// apart, but has a few bytes that change in a large folio of the page cache count as all of it.
func WrittenBytes(dir string) uint64 {
	var s unix.Stat_t
	if err := unix.Stat(dir, &s); err != nil {
		return 0
	}
	device := uint64(s.Dev)
	// reads: number, merged, sectors, time; writes: the same
	counts := strings.Fields(firstLine(fmt.Sprintf("/sys/dev/block/%d:%d/stat", unix.Major(device), unix.Minor(device))))
	if len(counts) < 7 {
		return 0
	}
	sectors, _ := strconv.ParseUint(counts[6], 10, 64) // 0 if it is no number
	return sectors * sectorBytes
}
