package diskerror

import (
	"bytes"
	"sync"
)

// output keeps what a process prints, and waits for a word in it. It is safe for
// concurrent use.
type output struct {
	word    string
	printed chan struct{} // closed once the word was printed

	mu    sync.Mutex
	all   bytes.Buffer // guarded by mu
	found bool         // whether printed is closed; guarded by mu
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all.Write(b)
	if !o.found && bytes.Contains(o.all.Bytes(), []byte(o.word)) {
		o.found = true
		close(o.printed)
	}
	return len(b), nil
}

// text returns everything that was printed so far.
func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}
