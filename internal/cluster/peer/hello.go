package peer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// Both ends of a connection identify themselves before anything else is read:
//
//	4  "vot1"
//	1  a verdict: 0 from the end that dialled, and if the connection is accepted
//	1  the length of what follows
//	…  cluster, member, and the member that was dialled; each ends with a newline
//
// The cluster is empty until a member has entered one. The last name is empty if it is
// not known which member should be at the address.
const (
	helloMagic = "vot1"
	helloHead  = len(helloMagic) + 2
	// helloMax bounds the three names: a cluster's id and two members'.
	helloMax = 255

	verdictGoOn         = 0
	verdictOtherCluster = 1
	verdictOtherMember  = 2
)

// hello is what one end of a connection says about itself.
type hello struct {
	verdict byte
	cluster string
	member  string
	dialled string // the member that the other end wants to reach
}

// OtherClusterError: the member at the other end belongs to another cluster. Nothing was sent to it.
type OtherClusterError struct {
	Addr    string // that was dialled
	Member  string // that answered
	Cluster string // that it belongs to
	Own     string // the cluster of this member
}

// Error implements error.
func (e *OtherClusterError) Error() string {
	return fmt.Sprintf("member %s of another cluster answers at %s (%s; this one is %s): one of the two was started with a data directory "+
		"from elsewhere, so check --data and --peer there and here", e.Member, e.Addr, e.Cluster, e.Own)
}

// OtherMemberError: at this address another member answers than the one meant. Nothing
// was sent to it.
type OtherMemberError struct {
	Addr    string // that was dialled
	Member  string // that answered
	Dialled string // that was meant
}

// Error implements error.
func (e *OtherMemberError) Error() string {
	return fmt.Sprintf("member %s answers at %s, but member %s was expected there", e.Member, e.Addr, e.Dialled)
}

// errNoHello is logged for a connection that does not begin with a greeting.
var errNoHello = errors.New("it sent no greeting with its cluster, so it is not a member, or has another version")

// errNoGreeting is what the dialling end gets if something other than a greeting comes
// back.
var errNoGreeting = errors.New("what answers is not a member of a voted cluster, or has another version")

func (h hello) encode() []byte {
	names := make([]byte, 0, helloMax)
	for _, name := range []string{h.cluster, h.member, h.dialled} {
		names = append(append(names, name...), '\n')
	}
	names = names[:min(len(names), helloMax)] // the other end refuses a cut one
	return append(append([]byte(helloMagic), h.verdict, byte(len(names))), names...)
}

func readHello(r io.Reader) (h hello, err error) {
	head := make([]byte, helloHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return h, err
	}
	if string(head[:len(helloMagic)]) != helloMagic {
		return h, &strangerError{head}
	}
	names := make([]byte, head[helloHead-1])
	if _, err := io.ReadFull(r, names); err != nil {
		return h, err
	}
	parts := bytes.Split(names, []byte{'\n'})
	if len(parts) != 4 || len(parts[3]) != 0 {
		return h, errNoHello
	}
	return hello{head[helloHead-2], string(parts[0]), string(parts[1]), string(parts[2])}, nil
}

// Belong sets the cluster that this member has entered. From then on it refuses members
// of other clusters, and they refuse it.
func (p *Port) Belong(cluster string) {
	p.cluster.Store(&cluster)
	// On older connections the greeting said that this member has no cluster.
	p.client.CloseIdleConnections()
}

// Cluster returns the cluster that this member belongs to, "" before it has entered one.
func (p *Port) Cluster() string {
	if c := p.cluster.Load(); c != nil {
		return *c
	}
	return ""
}

// greet sends this member's greeting on a connection that it dialled, and reads the
// answer. want is the member that should be there, "" if that is not known.
func (p *Port) greet(c *conn, addr, want string) error {
	if err := c.SetDeadline(time.Now().Add(p.options.Timeout)); err != nil {
		return err
	}
	own := p.Cluster()
	if _, err := c.Conn.Write(hello{cluster: own, member: p.options.ID, dialled: want}.encode()); err != nil {
		return err
	}
	h, err := readHello(c.Conn)
	switch {
	case errors.Is(err, errNoHello):
		return fmt.Errorf("at %s: %w", addr, errNoGreeting)
	case err != nil:
		return fmt.Errorf("%s closed the connection without a greeting: %w", addr, err)
	case h.verdict == verdictOtherCluster || foreign(own, h.cluster):
		return &OtherClusterError{Addr: addr, Member: h.member, Cluster: h.cluster, Own: own}
	case h.verdict == verdictOtherMember || want != "" && h.member != want:
		return &OtherMemberError{Addr: addr, Member: h.member, Dialled: want}
	}
	c.cluster = h.cluster
	return c.SetDeadline(time.Time{})
}

// Greet sends a member's greeting on a connection to a peer port, and reads the answer.
// It is for test harnesses that use a peer port without having one.
func Greet(c io.ReadWriter, cluster, member string) error {
	if _, err := c.Write(hello{cluster: cluster, member: member}.encode()); err != nil {
		return err
	}
	h, err := readHello(c)
	if err == nil && h.verdict != verdictGoOn {
		err = fmt.Errorf("member %s of cluster %s refuses the connection", h.member, h.cluster)
	}
	return err
}

// foreign reports whether two members certainly belong to different clusters.
func foreign(a, b string) bool { return a != "" && b != "" && a != b }

// welcome reads the greeting of a connection and answers it. A refusal has a verdict,
// so that both ends can log why.
func (p *Port) welcome(c *conn) error {
	h, err := readHello(c.Conn)
	if err != nil {
		return err
	}
	answer := hello{cluster: p.Cluster(), member: p.options.ID}
	switch {
	case foreign(answer.cluster, h.cluster):
		answer.verdict = verdictOtherCluster
		err = &OtherClusterError{Addr: c.RemoteAddr().String(), Member: h.member, Cluster: h.cluster, Own: answer.cluster}
	case h.dialled != "" && h.dialled != p.options.ID:
		answer.verdict = verdictOtherMember
		err = fmt.Errorf("%s expected member %s here, but this is member %s", h.member, h.dialled, p.options.ID)
	}
	c.cluster = h.cluster
	if _, failed := c.Conn.Write(answer.encode()); failed != nil {
		return errors.Join(err, failed)
	}
	return err
}

// inSameCluster reports whether the member at the other end belongs to the same cluster as
// this one. Until it does, only the calls with which members find and enter a cluster are
// allowed.
func (p *Port) inSameCluster(c *conn) bool {
	own := p.Cluster()
	return own != "" && own == c.cluster
}
