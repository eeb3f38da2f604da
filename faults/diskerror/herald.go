package diskerror

import (
	"bytes"
	"os"
	"sync"
)

var interrupt = os.Interrupt

// herald waits for a word in what a process says.
type herald struct {
	word  string
	heard chan struct{} // closed once the word was said

	mu   sync.Mutex
	said bytes.Buffer
	done bool
}

// Write implements io.Writer.
func (h *herald) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said.Write(b)
	if !h.done && bytes.Contains(h.said.Bytes(), []byte(h.word)) {
		h.done = true
		close(h.heard)
	}
	return len(b), nil
}

func (h *herald) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said.String()
}
