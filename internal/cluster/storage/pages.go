package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// The layout of a bbolt file (format version 2), as far as it is checked. The file is a
// sequence of pages. Pages 0 and 1 (meta) describe two successive states; the newer one
// counts. It refers to a B+tree of branch and leaf pages. The leaves hold the buckets,
// each again a B+tree or, if tiny, a leaf inside the value. Numbers are in the
// machine's byte order.
const (
	pageHead    = 16 // id u64, flags u16, count u16, overflow u32
	elementHead = 16 // branch: pos u32, ksize u32, page u64; leaf: flags u32, pos u32, ksize u32, vsize u32
	bucketHead  = 16 // root page u64, sequence u64

	flagBranch = 0x01
	flagLeaf   = 0x02
	flagMeta   = 0x04
	flagBucket = 0x01

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSummed  = 56 // bytes of a meta that its checksum covers

	minPageSize = 512
	maxPageSize = 64 << 10
)

// order is the byte order of a bbolt file.
var order = binary.NativeEndian

// checkPages checks that the log file is a whole, well-formed tree: every page is of
// the kind that its parent expects and is referred to once, keys are in order, nothing
// reaches out of its page. It does not read entries or values, which have checksums of
// their own. Both metas must be whole: if one is not, bbolt silently uses the older
// one, which lacks the newest transaction.
func checkPages(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	t := &tree{file: f, size: uint64(info.Size())}
	root, err := t.readMetas()
	if err == nil {
		t.seen = make([]uint64, t.pages/64+1)
		err = t.checkRoot(root)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the file is too short", ErrDamaged)
	}
	return err
}

// tree is one walk through a file.
type tree struct {
	file     io.ReaderAt
	size     uint64 // of the file, in bytes
	pageSize uint64
	pages    uint64   // pages in use; no reference may go beyond
	seen     []uint64 // a bit for each page that something refers to
}

func broken(page uint64, format string, args ...any) error {
	return fmt.Errorf("%w: page %d %s", ErrDamaged, page, fmt.Sprintf(format, args...))
}

// readMetas checks both metas and returns the root page of the newer one.
func (t *tree) readMetas() (uint64, error) {
	root, pages, tx, err := t.readMeta(0, 0)
	if err != nil {
		return 0, err
	}
	root1, pages1, tx1, err := t.readMeta(1, t.pageSize)
	if err != nil {
		return 0, err
	}
	if tx1 > tx {
		root, pages = root1, pages1
	}
	if tx1 != tx+1 && tx != tx1+1 {
		return 0, broken(0, "and page 1 are not successive states (%d, %d)", tx, tx1)
	}
	if pages < 2 || pages > t.size/t.pageSize {
		return 0, fmt.Errorf("%w: the file has %d pages, but %d are in use", ErrDamaged, t.size/t.pageSize, pages)
	}
	t.pages = pages
	return root, nil
}

func (t *tree) readMeta(page, at uint64) (root, pages, tx uint64, err error) {
	var b [pageHead + metaSummed + 8]byte
	if _, err := t.file.ReadAt(b[:], int64(at)); err != nil {
		return 0, 0, 0, err
	}
	m := b[pageHead:]
	sum := fnv.New64a()
	sum.Write(m[:metaSummed])
	switch {
	case order.Uint64(b[:]) != page || order.Uint16(b[8:]) != flagMeta:
		return 0, 0, 0, broken(page, "is not a meta page")
	case order.Uint32(m) != metaMagic || order.Uint32(m[4:]) != metaVersion:
		return 0, 0, 0, broken(page, "is not the beginning of a log file")
	case order.Uint64(m[metaSummed:]) != sum.Sum64():
		return 0, 0, 0, broken(page, "does not match its checksum")
	}
	t.pageSize = uint64(order.Uint32(m[8:]))
	if t.pageSize < minPageSize || t.pageSize > maxPageSize {
		return 0, 0, 0, broken(page, "claims pages of %d bytes", t.pageSize)
	}
	return order.Uint64(m[16:]), order.Uint64(m[40:]), order.Uint64(m[48:]), nil
}

// checkRoot checks the root page, which holds the two buckets of raft-boltdb, and both
// buckets.
func (t *tree) checkRoot(page uint64) error {
	p, err := t.load(page)
	if err != nil {
		return err
	}
	if p.flags != flagLeaf {
		return broken(page, "should be the leaf of the buckets")
	}
	names := []string{"conf", "logs"}
	if p.count != len(names) {
		return broken(page, "names %d buckets, not %d", p.count, len(names))
	}
	return p.each(func(i int, e element) error {
		if string(e.key) != names[i] || e.flags != flagBucket || e.valueSize < bucketHead {
			return broken(page, "does not hold the bucket %q", names[i])
		}
		value, err := p.read(e.valueAt, e.valueSize)
		if err != nil {
			return err
		}
		if root := order.Uint64(value); root != 0 {
			if e.valueSize != bucketHead {
				return broken(page, "holds a wrong head of bucket %q", names[i])
			}
			return t.walk(root, nil, nil, names[i], 0)
		}
		return checkInline(page, value[bucketHead:], names[i])
	})
}

// checkInline checks a tiny bucket, whose only page is inside a value.
func checkInline(parent uint64, b []byte, bucket string) error {
	if len(b) < pageHead {
		return broken(parent, "holds a bucket that is too short")
	}
	p := newPage(parent, b, uint64(len(b)), bytes.NewReader(b), 0)
	if p.flags != flagLeaf {
		return broken(parent, "holds a bucket that is not a leaf")
	}
	// Such a page has no spare room, so bytes left over show a wrong count.
	if p.count == 0 && len(b) != pageHead {
		return broken(parent, "holds a bucket of the wrong size")
	}
	return p.checkLeaf(nil, nil, bucket)
}

// walk checks the subtree of a bucket below page. Its keys must be in [from, below);
// nil means unbounded.
func (t *tree) walk(page uint64, from, below []byte, bucket string, depth int) error {
	if depth > maxTreeDepth {
		return broken(page, "is too deep in the tree")
	}
	p, err := t.load(page)
	if err != nil {
		return err
	}
	if p.flags == flagLeaf {
		if p.count == 0 {
			return broken(page, "is an empty leaf")
		}
		return p.checkLeaf(from, below, bucket)
	}
	type child struct {
		key  []byte
		page uint64
	}
	var children []child
	err = p.each(func(_ int, e element) error {
		children = append(children, child{bytes.Clone(e.key), e.child})
		return nil
	})
	if err != nil {
		return err
	}
	if len(children) == 0 {
		return broken(page, "is an empty branch")
	}
	for i, c := range children {
		end := below
		if i+1 < len(children) {
			end = children[i+1].key
		}
		if !inOrder(from, c.key, end) {
			return broken(page, "has keys out of order")
		}
		if err := t.walk(c.page, c.key, end, bucket, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// inOrder reports whether key is in [from, below).
func inOrder(from, key, below []byte) bool {
	return bytes.Compare(from, key) <= 0 && (below == nil || bytes.Compare(key, below) < 0)
}

// load reads the head of a page run and marks its pages as used.
func (t *tree) load(id uint64) (*pageRun, error) {
	if id < 2 || id >= t.pages {
		return nil, broken(id, "is referred to, but outside of the file")
	}
	var head [pageHead]byte
	if _, err := t.file.ReadAt(head[:], int64(id*t.pageSize)); err != nil {
		return nil, err
	}
	overflow := uint64(order.Uint32(head[12:]))
	if overflow >= t.pages-id {
		return nil, broken(id, "reaches beyond the end of the file")
	}
	for i := id; i <= id+overflow; i++ {
		if t.seen[i/64]&(1<<(i%64)) != 0 {
			return nil, broken(i, "is used twice")
		}
		t.seen[i/64] |= 1 << (i % 64)
	}
	size := (overflow + 1) * t.pageSize
	window := make([]byte, min(size, pageWindow))
	if _, err := t.file.ReadAt(window, int64(id*t.pageSize)); err != nil {
		return nil, err
	}
	p := newPage(id, window, size, t.file, id*t.pageSize)
	if order.Uint64(head[:]) != id {
		return nil, broken(id, "says that it is page %d", order.Uint64(head[:]))
	}
	if p.flags != flagLeaf && p.flags != flagBranch {
		return nil, broken(id, "is neither a branch nor a leaf")
	}
	return p, nil
}
