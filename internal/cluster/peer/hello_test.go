package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestMembersOfTwoClustersDoNotHearEachOther(t *testing.T) {
	t.Parallel()
	// Given two members with the same address book, and one of them from another cluster …
	here, elsewhere := listen(t, Options{ID: "k1"}), listen(t, Options{ID: "k3"})
	methods := make(chan string, 10)
	here.Handle(func(_ context.Context, method string, _ []byte) ([]byte, error) {
		methods <- method
		return nil, nil
	}, "status")
	here.OpenRaft()
	elsewhere.Belong("theirs")
	// … when it calls, asks for votes, or watches …
	ctx := within(t, 10*time.Second)
	_, called := elsewhere.Call(ctx, here.Addr(), "status", nil)
	voted := elsewhere.Transport().RequestVote("k1", raft.ServerAddress(here.Addr()), &raft.RequestVoteRequest{Term: 1 << 40}, new(raft.RequestVoteResponse))
	_, back := here.Call(ctx, elsewhere.Addr(), "status", nil)
	// … then none of it is read, and the logs of both ends name the other.
	for what, err := range map[string]error{"a call": called, "a vote": voted, "a call the other way": back} {
		var other *OtherClusterError
		if !errors.As(err, &other) || !errors.Is(err, ErrNotSent) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !strings.Contains(err.Error(), "another cluster") || !strings.Contains(err.Error(), "--data") {
			t.Errorf("%s does not say what to do: %v", what, err)
		}
	}
	var other *OtherClusterError
	if errors.As(called, &other) && (other.Member != "k1" || other.Cluster != ours || other.Own != "theirs") {
		t.Errorf("the wrong names: %+v", other)
	}
	select {
	case rpc := <-here.Transport().Consumer():
		t.Errorf("raft received %T", rpc.Command)
	case method := <-methods:
		t.Errorf("the method %q was called", method)
	default:
	}
}

func TestAnotherMemberIsNotTakenForTheOneThatIsMeant(t *testing.T) {
	t.Parallel()
	// Given a member with n3's address for n2 …
	n1, n3 := listen(t, Options{ID: "n1"}), listen(t, Options{ID: "n3"})
	n3.OpenRaft()
	n1.Resolve(func(string) string { return n3.Addr() })
	// … its request for n2's vote is not delivered.
	err := n1.Transport().RequestVote("n2", "127.0.0.1:1", &raft.RequestVoteRequest{Term: 2}, new(raft.RequestVoteResponse))
	var other *OtherMemberError
	if !errors.As(err, &other) || other.Member != "n3" || other.Dialled != "n2" {
		t.Fatalf("got %v", err)
	}
	select {
	case rpc := <-n3.Transport().Consumer():
		t.Errorf("raft received %T", rpc.Command)
	default:
	}
}

func TestBeforeItHasEnteredAClusterAMemberMayOnlyAsk(t *testing.T) {
	t.Parallel()
	fresh, member := listen(t, Options{ID: "n4"}), listen(t, Options{ID: "n1"})
	fresh.Belong("")
	for _, p := range []*Port{fresh, member} {
		p.Handle(echo, "status")
	}
	ctx := within(t, 10*time.Second)
	// Given a member without a cluster, either may ask the other what it is …
	for from, to := range map[*Port]*Port{fresh: member, member: fresh} {
		if _, err := from.Call(ctx, to.Addr(), "status", nil); err != nil {
			t.Error(err)
		}
		// … and nothing else …
		if _, err := from.Call(ctx, to.Addr(), "propose", nil); !errors.Is(err, ErrNotSent) {
			t.Errorf("got %v", err)
		}
	}
	// … until it has entered, also over older connections.
	fresh.Belong(ours)
	for from, to := range map[*Port]*Port{fresh: member, member: fresh} {
		if _, err := from.Call(ctx, to.Addr(), "propose", nil); err != nil {
			t.Errorf("after entering: %v", err)
		}
	}
}

func TestAConnectionOfBeforeAMemberKnewItsClusterDoesNotHideThatItIsAnother(t *testing.T) {
	t.Parallel()
	// Given a member that was asked before it had looked at its directory …
	late, member := listen(t, Options{ID: "n3"}), listen(t, Options{ID: "n1"})
	late.Belong("")
	late.Handle(echo, "status")
	ctx := within(t, 10*time.Second)
	if _, err := member.Call(ctx, late.Addr(), "status", nil); err != nil {
		t.Fatal(err)
	}
	// … and which turns out to belong elsewhere …
	late.Belong("theirs")
	// … the others see it, after one refusal at most.
	_, first := member.Call(ctx, late.Addr(), "status", nil)
	_, err := member.Call(ctx, late.Addr(), "status", nil)
	var other *OtherClusterError
	if first == nil || !errors.As(err, &other) {
		t.Errorf("got %v, then %v", first, err)
	}
}

func TestWhoDoesNotSayWhoItIsIsNotHeard(t *testing.T) {
	t.Parallel()
	p := listen(t, Options{ID: "n1"})
	p.Handle(echo, "status")
	for _, said := range []string{
		helloMagic + "\x00\x03a\nb", // cut
		helloMagic + "\x00\x04a\nbc",
		"vot0" + string(hello{cluster: ours}.encode()[4:]),
	} {
		c, err := net.Dial("tcp", p.Addr())
		must(t, err)
		_, _ = io.WriteString(c, said)
		_ = c.(*net.TCPConn).CloseWrite() // it may be closed already
		must(t, c.SetReadDeadline(time.Now().Add(2*silentLimit)))
		if b, err := io.ReadAll(c); len(b) > 0 || isTimeout(err) {
			t.Errorf("%q was answered %q, %v", said, b, err)
		}
		must(t, c.Close())
	}
}

func FuzzHello(f *testing.F) {
	f.Add(hello{verdictGoOn, "k2j4", "n1", "n2"}.encode())
	f.Add([]byte("vot1\x00\x03\n\n\n"))
	f.Add([]byte("vot1\x02\xff"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readHello(bytes.NewReader(b))
		var stranger *strangerError
		if errors.As(err, &stranger) && (bytes.HasPrefix(b, []byte(helloMagic)) || !bytes.Equal(stranger.said, b[:helloHead])) {
			t.Fatalf("%q is taken for a stranger that said %q", b, stranger.said)
		}
		if err != nil {
			return
		}
		again := h.encode()
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("%q is read as %+v, which is %q", b, h, again)
		}
	})
}
