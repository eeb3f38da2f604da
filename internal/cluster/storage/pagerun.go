package storage

import (
	"bytes"
	"io"
)

// pageRun is one page of a bbolt file with its overflow pages.
type pageRun struct {
	id     uint64
	flags  uint16
	count  int
	window []byte // its first bytes
	size   uint64 // all of its bytes
	file   io.ReaderAt
	at     uint64 // where it begins in the file
}

// element is one entry of a page: a key with its value (leaf) or with a page below (branch).
type element struct {
	flags              uint32
	child              uint64
	key                []byte // valid until the next element is read
	valueAt, valueSize uint64 // within the run
}

func newPage(id uint64, window []byte, size uint64, file io.ReaderAt, at uint64) *pageRun {
	return &pageRun{
		id: id, flags: order.Uint16(window[8:]), count: int(order.Uint16(window[10:])),
		window: window, size: size, file: file, at: at,
	}
}

// read returns n bytes of the run.
func (p *pageRun) read(at, n uint64) ([]byte, error) {
	if at > p.size || n > p.size-at {
		return nil, broken(p.id, "refers to bytes outside of itself")
	}
	if at+n <= uint64(len(p.window)) {
		return p.window[at : at+n], nil
	}
	b := make([]byte, n)
	_, err := p.file.ReadAt(b, int64(p.at+at))
	return b, err
}

// each calls f for the elements in order. bbolt writes keys and values one after the
// other, directly behind the elements, so a wrong count, position or size is noticed.
func (p *pageRun) each(f func(i int, e element) error) error {
	next := uint64(pageHead + p.count*elementHead)
	for i := range p.count {
		at := uint64(pageHead + i*elementHead)
		b, err := p.read(at, elementHead)
		if err != nil {
			return err
		}
		var e element
		var pos, keySize uint64
		if p.flags == flagLeaf {
			e.flags, e.valueSize = order.Uint32(b), uint64(order.Uint32(b[12:]))
			pos, keySize = uint64(order.Uint32(b[4:])), uint64(order.Uint32(b[8:]))
		} else {
			e.child = order.Uint64(b[8:])
			pos, keySize = uint64(order.Uint32(b)), uint64(order.Uint32(b[4:]))
		}
		if at+pos != next || keySize == 0 {
			return broken(p.id, "has element %d at a wrong place", i)
		}
		if e.key, err = p.read(next, keySize); err != nil {
			return err
		}
		e.valueAt = next + keySize
		next = e.valueAt + e.valueSize
		if next > p.size {
			return broken(p.id, "has element %d reaching out of it", i)
		}
		if err := f(i, e); err != nil {
			return err
		}
	}
	return nil
}

// checkLeaf checks that a leaf's keys are in order within [from, below) and valid for
// the bucket.
func (p *pageRun) checkLeaf(from, below []byte, bucket string) error {
	var last []byte
	return p.each(func(i int, e element) error {
		switch {
		case e.flags != 0:
			return broken(p.id, "has a bucket where an entry should be")
		case bucket == "logs" && len(e.key) != 8, bucket == "conf" && string(e.key) != keyTable:
			return broken(p.id, "has an invalid key %q", e.key)
		case !inOrder(from, e.key, below) || i > 0 && bytes.Compare(last, e.key) >= 0:
			return broken(p.id, "has keys out of order")
		}
		last = append(last[:0], e.key...)
		return nil
	})
}
