package wire

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
)

// errCut is what a client sees of an answer that was lost.
var errCut = errors.New("the connection broke before the answer was complete (cut by the load test)")

// bulkCutBytes is the most that arrives of a long answer before it is cut.
const bulkCutBytes = 32 << 10

// Cutter is a transport that loses a share of the answers: the request reaches the
// node and is carried out, the answer arrives here, and the client sees a broken
// connection instead.
type Cutter struct {
	http.RoundTripper
	share atomic.Uint64 // bits of a float64
	cut   atomic.Uint64
}

// SetShare sets the share of answers to lose, 0 to 1.
func (c *Cutter) SetShare(share float64) { c.share.Store(math.Float64bits(share)) }

// Cut returns how many answers have been lost.
func (c *Cutter) Cut() uint64 { return c.cut.Load() }

// RoundTrip implements http.RoundTripper.
func (c *Cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	share := math.Float64frombits(c.share.Load())
	if err != nil || share == 0 || rand.Float64() >= share {
		return resp, err
	}
	c.cut.Add(1)
	if r.Method != http.MethodPost {
		_ = resp.Body.Close()
		return nil, errCut
	}
	resp.Body = &shortened{ReadCloser: resp.Body, left: rand.IntN(bulkCutBytes)}
	return resp, nil
}

// shortened is a body that breaks off.
type shortened struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (s *shortened) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errCut
	}
	n, err := s.ReadCloser.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}
