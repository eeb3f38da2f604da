package peer

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestAMemberThatWasAwayIsReachedAgainAsSoonAsItIsBack(t *testing.T) {
	t.Parallel()
	p, err := Listen(Options{Bind: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// Given a member whose process is gone …
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := gone.Addr().String()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	// … when raft sends it entries, the attempt is held back while it is away …
	ended := make(chan error, 1)
	go func() {
		args := &raft.AppendEntriesRequest{PrevLogEntry: 1, Entries: []*raft.Log{{Index: 2}}}
		ended <- p.Transport().AppendEntries("n2", raft.ServerAddress(addr), args, new(raft.AppendEntriesResponse))
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	select {
	case err := <-ended:
		t.Fatalf("the attempt ended while the member was away: %v", err)
	case <-ctx.Done():
	}
	// … and ends as soon as it is back, so that raft tries again at once.
	back, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the port, which belongs to this test, was taken meanwhile: %v", err)
	}
	defer back.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the failed attempt is not reported")
		}
	case <-time.After(5 * time.Second):
		t.Error("the member is back, and the attempt is still held back")
	}
}
