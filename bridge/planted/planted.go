// Package planted has bugs that are planted in one build of the bridge, for a negative control: a check that does not find
// its bug proves nothing.
package planted

import "voted/harness/overlay"

// EarlyAck is a bridge that acknowledges messages before their ballots are cast.
var EarlyAck = overlay.Edit{
	File: "bridge/ingest/batch.go",
	Old:  "	defer b.extend(items)()\n",
	New: `	for _, it := range items {
		_ = it.Ack()
	}
	defer b.extend(items)()
`,
}

// EarlyTerm is a bridge that terminates poison before its dead letter is stored.
var EarlyTerm = overlay.Edit{
	File: "bridge/ingest/settle.go",
	Old:  "	b.store(letters, senders)\n",
	New: `	for _, it := range senders {
		if it.verdict.fate == dead {
			_ = it.Term()
		}
	}
	b.store(letters, senders)
`,
}

// BareNak is a bridge that gives messages back without a pause, to a consumer that drops them after five deliveries.
var BareNak = []overlay.Edit{
	{
		File: "bridge/jetstream/source.go",
		Old:  "m.NakWithDelay(after) }",
		New:  "m.Nak() }",
	},
	{
		File: "bridge/jetstream/source.go",
		Old:  "	case c.MaxDeliver > 0:\n",
		New:  "	case c.MaxDeliver > 0 && false:\n",
	},
}

// Blind is a feed that publishes wherever the stream ends.
var Blind = overlay.Edit{
	File: "bridge/jetstream/sink.go",
	Old:  "{guard, jetstream.WithExpectStream(s.stream), jetstream.WithMsgID(m.ID), jetstream.WithRetryAttempts(0)}",
	New:  "{jetstream.WithExpectStream(s.stream)}",
}

// Hasty is a feed that does not wait for a message that does not follow the one before it.
var Hasty = overlay.Edit{
	File: "bridge/feed/window.go",
	Old:  "	if !follows {\n		full = w.flush(full)\n	}\n	return full\n",
	New:  "	return full\n",
}
