package client

import (
	"errors"
	"io"
	"sync"
)

// buffer holds an answer while it is decoded. Nothing may keep a slice of it.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, 1024)} }}

func takeBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) release() {
	if cap(b.b) <= maxPooledBytes {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// readAll reads to the end. More than limit bytes are an error.
func (b *buffer) readAll(r io.Reader, limit int) error {
	for {
		if len(b.b) == cap(b.b) {
			b.b = append(b.b, 0)[:len(b.b)]
		}
		n, err := r.Read(b.b[len(b.b):cap(b.b)])
		b.b = b.b[:len(b.b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			// A body cut short, which the transport calls io.ErrUnexpectedEOF.
			return err
		case len(b.b) > limit:
			return errTooLarge
		}
	}
}
