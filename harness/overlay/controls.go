package overlay

// These bugs are planted in one build, for a negative control: a check that does not find
// its bug proves nothing.
var (
	// NoDeduplication is a node that does not recognise a voter's second ballot.
	NoDeduplication = Edit{
		File: "internal/poll/poll.go",
		Old:  "	current := p.current(&b.Key)\n	sel, known",
		New:  "	current := uint32(0)\n	sel, known",
	}
	// EarlyAcknowledgement is a leader that acknowledges before it commits.
	EarlyAcknowledgement = Edit{
		File: "internal/cluster/submit/proposer.go",
		Old:  "func (p *proposer) propose(ctx context.Context, frame []byte, ballots int) (Answered, error) {\n",
		New: `func (p *proposer) propose(ctx context.Context, frame []byte, ballots int) (Answered, error) {
	frame = append([]byte(nil), frame...)
	time.AfterFunc(200*time.Millisecond, func() { p.commit(context.WithoutCancel(ctx), frame, ballots) })
	early := Answered{Outcomes: make([]poll.Outcome, ballots)}
	for i := range early.Outcomes {
		early.Outcomes[i] = poll.Outcome{Kind: poll.Counted, Receipt: poll.Receipt{Ballot: 1, Version: 1}}
	}
	return early, nil
}

func (p *proposer) commit(ctx context.Context, frame []byte, ballots int) (Answered, error) {
`,
	}
	// NoHold is a leader that counts entries that its followers have and its own disk does not
	// have.
	NoHold = Edit{
		File: "internal/cluster/replica/writebehind.go",
		Old:  "err == nil && resp.Success && n > 0 {",
		New:  "err == nil && resp.Success && n > 0 && false {",
	}
	// NoFlush is a leader that follows another one while its own entries are still being
	// written, and changes its membership meanwhile.
	NoFlush = []Edit{
		{
			File: "internal/cluster/replica/writebehind.go",
			Old:  "	return w.durable(ctx, last)\n",
			New:  "	return w.durable(ctx, 0*last)\n",
		},
		NoWaitToDelete,
	}
	// ResurrectedTail is a leader that writes entries which another one has already replaced.
	ResurrectedTail = []Edit{
		{
			File: "internal/cluster/replica/overtaken.go",
			Old:  "	return r.behind.flush(r.ctx)\n",
			New:  "	return nil\n",
		},
		NoWaitToDelete,
	}
	// NoWaitToDelete is a member that deletes entries which are still being written.
	NoWaitToDelete = Edit{
		File: "internal/cluster/replica/writebehind.go",
		Old:  "	if err := w.durable(context.Background(), hi); err != nil {\n",
		New:  "	if err := error(nil); err != nil {\n",
	}
	// EarlyMatch is a leader that does not wait for its disk when it changes the membership,
	// although raft may count such an entry at once.
	EarlyMatch = Edit{
		File: "internal/cluster/replica/writebehind.go",
		Old:  "if e.Type != raft.LogCommand && ",
		New:  "if e.Type != raft.LogConfiguration && e.Type != raft.LogCommand && ",
	}
	// AloneBehind is a leader that does not wait for its disk although it is the only voting
	// member.
	AloneBehind = Edit{
		File: "internal/cluster/replica/writebehind.go",
		Old:  "if s.Suffrage == raft.Voter && s.ID != w.self {",
		New:  "if s.Suffrage == raft.Voter {",
	}
	// NoAssurance is a member that does not check whether it has on disk what it applies.
	NoAssurance = Edit{
		File: "internal/cluster/replica/writebehind.go",
		Old:  "index > synced {",
		New:  "index > synced && false {",
	}
	// WrongProof is a node that gives voters proofs which do not lead to the signed head.
	WrongProof = Edit{
		File: "internal/api/proof.go",
		Old:  "	return r.Append(nil), nil\n",
		New:  "	r.Path[0][0] ^= 1\n	return r.Append(nil), nil\n",
	}
	// NoGreeting is a member that does not ask to which cluster a sender belongs. It also
	// keeps silent if entries that it had applied are undone, and never compares its state with the
	// others': as soon as it did, nothing would be served any more, and nobody could see what is lost.
	NoGreeting = []Edit{
		{
			File: "internal/cluster/peer/hello.go",
			Old:  `{ return a != "" && b != "" && a != b }`,
			New:  "{ return false }",
		},
		{
			File: "internal/cluster/peer/hello.go",
			Old:  `	return own != "" && own == c.cluster`,
			New:  `	return own != ""`,
		},
		{
			File: "internal/cluster/storage/mark.go",
			Old:  "decided >= lo && decided > covered {",
			New:  "decided >= lo && decided > covered && false {",
		},
		{
			File: "internal/cluster/digests.go",
			Old:  "func (n *Node) compare(look survey.Look) {\n",
			New:  "func (n *Node) compare(look survey.Look) {\n	return\n",
		},
	}
)

// StopAtMark is no bug, but a moment that no signal from outside can hit: while the file exists that $STOP_AT_MARK
// names, a member stops between the mark that it writes and the signature that follows, and says so in a file NAME.PID.
// It is killed then. Any member collects signatures at once, so that all of them come to this.
var StopAtMark = []Edit{
	{
		File: "internal/prover/answer.go",
		Old:  "	\"errors\"\n	\"maps\"\n",
		New:  "	\"errors\"\n	\"fmt\"\n	\"maps\"\n	\"os\"\n",
	},
	{
		File: "internal/prover/answer.go",
		Old:  "		p.mark(all)\n",
		New: `		p.mark(all)
		stop := os.Getenv("STOP_AT_MARK")
		for i := range all {
			if _, err := os.Stat(stop); err == nil && all[i].verdict == Signed {
				if err := os.WriteFile(fmt.Sprintf("%s.%d", stop, os.Getpid()), nil, 0o600); err != nil {
					panic(err)
				}
				select {}
			}
		}
`,
	},
	{
		File: "internal/prover/prover.go",
		Old:  "	standInAfter = 5 * time.Second\n",
		New:  "	standInAfter = 200 * time.Millisecond\n",
	},
}
