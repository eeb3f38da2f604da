package overlay

// Bugs are planted in one build for a negative control: what does not notice them
// proves nothing.
var (
	// NoDeduplication is a node that does not recognise a voter's second ballot.
	NoDeduplication = Edit{
		File: "internal/poll/poll.go",
		Old:  "	current := p.current(&b.Key)\n	sel, known",
		New:  "	current := uint32(0)\n	sel, known",
	}
	// EarlyAcknowledgement is a leader that acknowledges before it commits.
	EarlyAcknowledgement = Edit{
		File: "internal/cluster/proposer.go",
		Old:  "func (p *proposer) propose(ctx context.Context, frame []byte, ballots int) (answered, error) {\n",
		New: `func (p *proposer) propose(ctx context.Context, frame []byte, ballots int) (answered, error) {
	frame = append([]byte(nil), frame...)
	time.AfterFunc(200*time.Millisecond, func() { p.commit(context.WithoutCancel(ctx), frame, ballots) })
	early := answered{outcomes: make([]poll.Outcome, ballots)}
	for i := range early.outcomes {
		early.outcomes[i] = poll.Outcome{Kind: poll.Counted, Receipt: poll.Receipt{Ballot: 1, Version: 1}}
	}
	return early, nil
}

func (p *proposer) commit(ctx context.Context, frame []byte, ballots int) (answered, error) {
`,
	}
)
