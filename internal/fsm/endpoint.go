package fsm

import (
	"encoding/binary"

	"voted/internal/poll"
)

// encodeEndpoint encodes the commands about webhooks and alarms; kind is 0 for others.
func encodeEndpoint(c poll.Command) (kind byte, payload []byte) {
	switch c := c.(type) {
	case poll.PutEndpoint:
		payload = c.Webhook.AppendCanonical(appendAsk(c.ID, c.Ask))
		payload = binary.AppendUvarint(payload, c.From)
		return kindPutEndpoint, binary.AppendUvarint(payload, uint64(c.IfRevision))
	case poll.PatchEndpoint:
		return kindPatchEndpoint, encodeEndpointPatch(c)
	case poll.DropEndpoint:
		return kindDropEndpoint, binary.AppendUvarint(appendAsk(c.ID, c.Ask), uint64(c.IfRevision))
	case poll.RotateKey:
		return kindRotateKey, binary.AppendUvarint(appendAsk(c.ID, c.Ask), uint64(c.Overlap))
	case poll.Progress:
		return kindProgress, c.AppendPayload(nil)
	case poll.Redeliver:
		payload = binary.AppendUvarint(append(appendAsk(c.ID, c.Ask), bit(c.All)), c.After)
		payload = binary.AppendUvarint(payload, uint64(len(c.Events)))
		for _, n := range c.Events {
			payload = binary.AppendUvarint(payload, n)
		}
		return kindRedeliver, payload
	case poll.Alarm:
		payload = append(appendString(appendString(nil, c.Kind), c.Member), bit(c.On))
		return kindAlarm, appendString(payload, c.Says)
	}
	return 0, nil
}

func appendAsk(id string, a poll.Ask) []byte {
	b := append(appendString(nil, id), a.Request[:]...)
	return append(b, a.Fingerprint[:]...)
}

func readAsk(c *poll.Cursor) (id string, a poll.Ask) {
	id = c.String()
	copy(a.Request[:], c.Bytes(len(a.Request)))
	copy(a.Fingerprint[:], c.Bytes(len(a.Fingerprint)))
	return id, a
}

// What a patch of an endpoint changes, as bits.
const (
	patchesURL = 1 << iota
	patchesKinds
	patchesPolls
	patchesRate
	patchesPaused
	patchesPausedTo // true
)

func encodeEndpointPatch(c poll.PatchEndpoint) []byte {
	b := binary.AppendUvarint(appendAsk(c.ID, c.Ask), uint64(c.IfRevision))
	at := len(b)
	b = append(b, 0)
	if c.URL != nil {
		b[at] |= patchesURL
		b = appendString(b, *c.URL)
	}
	if c.Kinds != nil {
		b[at] |= patchesKinds
		b = binary.AppendUvarint(b, uint64(*c.Kinds))
	}
	if c.Polls != nil {
		b[at] |= patchesPolls
		b = binary.AppendUvarint(b, uint64(len(*c.Polls)))
		for _, p := range *c.Polls {
			b = appendString(b, p)
		}
	}
	if c.Rate != nil {
		b[at] |= patchesRate
		b = binary.AppendUvarint(b, uint64(*c.Rate))
	}
	if c.Paused != nil {
		b[at] |= patchesPaused
		if *c.Paused {
			b[at] |= patchesPausedTo
		}
	}
	return b
}

func decodeEndpointPatch(c *poll.Cursor) (p poll.PatchEndpoint) {
	p.ID, p.Ask = readAsk(c)
	p.IfRevision = uint32(c.Bounded(1<<32 - 1))
	there := c.Byte()
	if there&patchesURL != 0 {
		url := c.String()
		p.URL = &url
	}
	if there&patchesKinds != 0 {
		kinds := poll.KindSet(c.Uvarint())
		p.Kinds = &kinds
	}
	if there&patchesPolls != 0 {
		polls := []string{}
		for range c.Bounded(uint64(c.Len())) {
			polls = append(polls, c.String())
		}
		p.Polls = &polls
	}
	if there&patchesRate != 0 {
		rate := uint16(c.Bounded(1<<16 - 1))
		p.Rate = &rate
	}
	if there&patchesPaused != 0 {
		paused := there&patchesPausedTo != 0
		p.Paused = &paused
	}
	return p
}

// decodeEndpoint reads what encodeEndpoint wrote. Values are not checked here: the state
// refuses bad ones.
func decodeEndpoint(kind byte, c *poll.Cursor) poll.Command {
	switch kind {
	case kindPatchEndpoint:
		return decodeEndpointPatch(c)
	case kindProgress:
		return c.Progress()
	case kindAlarm:
		return poll.Alarm{Kind: c.String(), Member: c.String(), On: c.Byte() == 1, Says: c.String()}
	}
	id, ask := readAsk(c)
	switch kind {
	case kindPutEndpoint:
		return poll.PutEndpoint{ID: id, Ask: ask, Webhook: c.Webhook(), From: c.Uvarint(), IfRevision: uint32(c.Bounded(1<<32 - 1))}
	case kindDropEndpoint:
		return poll.DropEndpoint{ID: id, Ask: ask, IfRevision: uint32(c.Bounded(1<<32 - 1))}
	case kindRotateKey:
		return poll.RotateKey{ID: id, Ask: ask, Overlap: int64(c.Uvarint())}
	}
	r := poll.Redeliver{ID: id, Ask: ask, All: c.Byte() == 1, After: c.Uvarint()}
	for range c.Bounded(uint64(c.Len())) {
		r.Events = append(r.Events, c.Uvarint())
	}
	return r
}
