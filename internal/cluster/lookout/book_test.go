package lookout

import (
	"slices"
	"testing"

	"voted/internal/survey"
)

func TestWhereAMemberIsLookedFor(t *testing.T) {
	t.Parallel()
	members := []survey.Peer{{ID: "n1", Addr: "a:1"}, {ID: "n2", Addr: "b:1"}, {ID: "n3", Addr: "c:1"}}
	b := newBook([]survey.Peer{{ID: "n2", Addr: "b:2"}, {ID: "n9", Addr: "x:1"}})
	check := func(when, id, want string, others ...string) {
		t.Helper()
		if got := b.find(id); got != want {
			t.Errorf("%s %s is looked for at %q, not at %q", when, id, got, want)
		}
		if got := b.others(id); !slices.Equal(got, others) {
			t.Errorf("%s %s may also be at %q, not at %q", when, id, got, others)
		}
	}
	check("before anything is known", "n1", "")
	b.update(members)
	check("by the membership", "n1", "a:1")
	check("by the command line of this start", "n2", "b:2", "b:1")
	b.meet("n1", "a:7")
	check("where it was met", "n1", "a:7", "a:1")
	b.update(members)
	check("while the membership stays", "n1", "a:7", "a:1")
	check("while the membership stays", "n2", "b:2", "b:1")
	// A new address in the membership is newer than the command line and than any meeting.
	b.update([]survey.Peer{{ID: "n1", Addr: "a:9"}, {ID: "n2", Addr: "b:3"}, {ID: "n3", Addr: "c:1"}})
	check("by the new membership", "n1", "a:9", "a:7", "a:1")
	check("by the new membership", "n2", "b:3", "b:2", "b:1")
	// A member that is removed and comes back is looked for at its address in the
	// membership.
	b.meet("n3", "c:8")
	b.update([]survey.Peer{{ID: "n1", Addr: "a:9"}, {ID: "n2", Addr: "b:3"}})
	b.update(members)
	check("after it came back", "n3", "c:1", "c:8")
	b.meet("n8", "y:1")
	check("a stranger", "n8", "")
	if got := b.at("b:1"); got != "n2" {
		t.Errorf("at b:1 is %q", got)
	}
}

func TestWhatTheCommandLineSaysIsStillTriedAfterTheMembershipTookANewAddressBack(t *testing.T) {
	t.Parallel()
	// Given a member that moved, as the command line says, and that the membership named there
	before, after := []survey.Peer{{ID: "n1", Addr: "a:1"}, {ID: "n2", Addr: "b:1"}}, []survey.Peer{{ID: "n1", Addr: "a:1"}, {ID: "n2", Addr: "b:2"}}
	b := newBook([]survey.Peer{{ID: "n1", Addr: "a:1"}, {ID: "n2", Addr: "b:2"}})
	b.update(before)
	b.update(after)
	// When the leader that wrote it is overtaken before it was committed
	b.update(before)
	// Then the member is still looked for where it is, too
	if b.find("n2") != "b:2" && !slices.Contains(b.others("n2"), "b:2") {
		t.Errorf("n2 is at b:2, and is looked for at %q and %q alone", b.find("n2"), b.others("n2"))
	}
	// And however often that happens, few addresses are tried.
	for i := range 50 {
		b.update([]survey.Peer{{ID: "n1", Addr: "a:1"}, {ID: "n2", Addr: "b:" + string(rune('a'+i))}})
	}
	if n := len(b.others("n2")); n > maxPast {
		t.Errorf("%d other addresses are tried", n)
	}
}
