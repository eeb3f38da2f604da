package cluster_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines collects what a member logs.
type lines struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
	more chan struct{}   // guarded by mu; closed at the next line; nil: no one waits
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.text.Write(b)
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// all returns what was logged until now.
func (l *lines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await returns when something was logged.
func (l *lines) await(t *testing.T, what string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		text := l.text.String()
		if l.more == nil {
			l.more = make(chan struct{})
		}
		more := l.more
		l.mu.Unlock()
		if strings.Contains(text, what) {
			return
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("it never says %q:\n%s", what, text)
		}
	}
}
