package hostile

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"

	"voted/internal/fsm"
	"voted/internal/poll"
)

// hello is the first message of a TLS handshake, to be mutated.
var hello = func() []byte {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go func() { _ = tls.Client(client, &tls.Config{ServerName: "n1", InsecureSkipVerify: true}).Handshake() }() // ends with the pipe
	b := make([]byte, 16<<10)
	n, err := server.Read(b)
	if err != nil {
		return []byte{22, 3, 1}
	}
	return b[:n]
}()

// handshake sends something to a peer port that is under TLS: garbage, a mutated handshake,
// or what a peer port without TLS would understand.
func (w *worker) handshake() error {
	r := w.draw
	addr := w.cluster.Nodes[r.IntN(len(w.cluster.Nodes))].PeerAddr
	switch r.IntN(4) {
	case 0:
		return w.throw(addr, anything(r, 1+r.IntN(2000)))
	case 1:
		return w.throw(addr, mutate(r, hello))
	case 2:
		return w.throw(addr, callText(addr, "propose", frame(r)))
	}
	return w.throw(addr, append([]byte{byte(r.IntN(5))}, anything(r, r.IntN(400))...))
}

// garbage sends what a peer port without TLS does not understand.
func (w *worker) garbage() error {
	r := w.draw
	addr := w.cluster.Nodes[r.IntN(len(w.cluster.Nodes))].PeerAddr
	b := anything(r, 2+r.IntN(3000))
	switch r.IntN(3) {
	case 0:
		// The first byte is that of a raft message; what follows cannot be one. Without TLS
		// whoever sends valid raft messages is a member, and may do anything.
		b[0], b[1] = byte(r.IntN(5)), noStructure[r.IntN(len(noStructure))]
	case 1:
		b = mutate(r, callText(addr, "status", nil))
	default:
		b[0] |= 0x80
	}
	return w.throw(addr, b)
}

// noStructure are first bytes of values in MessagePack that are neither maps nor arrays nor
// nil.
var noStructure = []byte{0xc1, 0xc2, 0xc3, 0xa4, 0xbf, 0xd9, 0xda, 0xdb, 0xca, 0xcb, 0xcc, 0xcd, 0x05, 0x7f, 0xe0, 0xff}

// call sends a mutated call of a member to a peer port without TLS.
func (w *worker) call() error {
	r := w.draw
	addr := w.cluster.Nodes[w.node].PeerAddr
	methods := []string{"propose", "propose", "propose", "execute", "execute", "read-index", "status", "term", "members", "join", "change", "nothing"}
	method := methods[r.IntN(len(methods))]
	var body []byte
	switch method {
	case "propose":
		body = frame(r)
	case "execute":
		body = fsm.EncodeRequest(poll.Create{Definition: poll.Definition{ID: target, Options: []poll.Option{{ID: "a"}, {ID: "b"}}}.WithDefaults()})
	case "join", "change":
		// Never complete: without TLS members are believed.
		body = []byte(`{"kind":"add","id":"n9","peer":"127.0.0.1:1"`)
	}
	if r.IntN(10) > 0 && method != "join" && method != "change" {
		body = mutate(r, body)
	}
	return w.exchange(addr, false, callText(addr, method, body), "", false)
}

// callText returns a call of a member as it goes over the wire.
func callText(addr, method string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST /v1/peer/%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", method, addr, len(body))
	b.Write(body)
	return b.Bytes()
}

// frame returns a batch of ballots for the target.
func frame(r *rand.Rand) []byte {
	var f fsm.Frame
	for i := range 1 + r.IntN(20) {
		f.Add(&poll.Ballot{Poll: target, Key: poll.KeyOf(poll.Salt{}, fmt.Sprint("x", r.IntN(100))), Selections: []byte{byte(i % 3)}})
	}
	b, _ := f.Seal()
	return b
}

// anything returns n random bytes.
func anything(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
