// Package journal keeps the entries of raft's log in files that are written once, from
// front to back, with one fdatasync an append.
//
// The log is a row of segments, one file each, filled with zeros and synced before it is
// used. A file is a row of sectors of 512 bytes. Disks write a sector whole or not at
// all, so each sector is sealed on its own:
//
//	0        4        8                                                    512
//	| CRC-32C | batch  | contents                                            |
//
// The CRC covers the log's id, the segment's number, the sector's place in the segment
// and all bytes after the CRC. Sector 0 is the head of the segment (batch 0): it says
// the format, the log's id, the segment's number and size. One append writes one batch,
// which fills whole sectors. Batches are numbered from 1 in each segment:
//
//	head of the segment | batch 1 | batch 2       | batch 3 | zeros ...
//
//	batch:  sectors u32, bytes u32, number u64, chain u32, records, zeros
//	entry:  1, index u64, term u64, type u8, seconds u64, nanoseconds u32,
//	        bytes of extensions u32, bytes of data u32, extensions, data
//	suffix: 2, index u64                  entries from the index on are gone
//	prefix: 3, index u64, segment u64     entries before the index are gone, and so are
//	                                      the segments before that one
//
// All numbers are big-endian. number counts the batches of the whole log, and chain is
// the CRC of the last sector of the batch before. So a batch or segment that is missing,
// old or of another log is noticed.
//
// # Torn or damaged
//
// An append begins only after the one before it is on disk. So after a crash each sector
// is either as it was before (zeros) or whole, and only the last batch may lack sectors.
// A batch that lacks sectors, with nothing behind it, is torn: no caller was told that
// it is durable, and it is dropped. A sector that is neither zeros nor sealed is damage,
// wherever it stands, and so are zeros with a batch behind them. A flipped bit is never
// taken for a torn append.
//
// A disk that forgets whole sectors of the last batch leaves what looks like a torn
// append. The mark of package storage tells the two apart.
//
// # Recovery
//
// Open reads every byte of every segment. Settle makes the log trustworthy. It fills what
// a torn append has left with zeros: otherwise, after another crash, that could be taken
// for a part of a new batch of the same number. It also writes the last batch again: a
// process that died between write and sync leaves it whole in the page cache and perhaps
// not on the disk, and raft counts on what it reads.
//
// # Both ends
//
// A suffix record deletes the newest entries, a prefix record the oldest; each is one
// append. Segments before the first entry are then used again or removed, the oldest
// first, in the background. Their numbers are not used again.
//
// # Segments
//
// Two segments are made ahead in the background (maker.go), each as large as the log so
// far, from 1 MiB to 16 MiB, and smaller where the disk has little space. One that cannot
// be made because the disk is full is tried again; the append that needs it fails. Any
// other failure, a disk that hangs included (Options.Call), is a fault at once
// (Options.OnFault), although no append may need the segment yet.
package journal
