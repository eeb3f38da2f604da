package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"voted/internal/poll"
)

// FormatVersion is the number of the command format that this build writes, and
// the highest it reads.
const FormatVersion = 1

// A command in the log:
//
//	0  1  format version
//	1  1  kind
//	2  8  the leader's stamp, milliseconds since the Unix epoch, little-endian
//	10 …  payload
//	   4  CRC-32C of everything before, little-endian
const (
	commandHead    = 10
	commandTrailer = 4
)

// The kinds of command. Never reused.
const (
	kindBallots      = 1 // payload: frames, each after its length as a uvarint
	kindCreate       = 2
	kindPatch        = 3
	kindClose        = 4
	kindDelete       = 5
	kindTick         = 6
	kindEnroll       = 7
	kindDrop         = 8
	kindRaise        = 9
	kindRestore      = 10
	kindIssueToken   = 11
	kindRedeemToken  = 12
	kindRevokeTokens = 13
	kindDrawLot      = 14
	kindSchedule     = 15
	kindUnschedule   = 16

	kindPutEndpoint   = 17
	kindPatchEndpoint = 18
	kindDropEndpoint  = 19
	kindRotateKey     = 20
	kindProgress      = 21
	kindRedeliver     = 22
	kindAlarm         = 23
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("checksum does not match its content")

// AppendBallots appends the command that casts the ballots of frames, in order.
func AppendBallots(b []byte, at int64, frames ...[]byte) []byte {
	start := len(b)
	b = appendHead(b, kindBallots, at)
	for _, f := range frames {
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return appendCRC(b, start)
}

// AppendCommand appends the command c.
func AppendCommand(b []byte, at int64, c poll.Command) []byte {
	start := len(b)
	kind, payload := encodePayload(c)
	b = appendHead(b, kind, at)
	b = append(b, payload...)
	return appendCRC(b, start)
}

func appendHead(b []byte, kind byte, at int64) []byte {
	b = append(b, FormatVersion, kind)
	return binary.LittleEndian.AppendUint64(b, uint64(at))
}

func appendCRC(b []byte, start int) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// cutCRC checks and removes a trailing CRC-32C.
func cutCRC(b []byte) ([]byte, error) {
	if len(b) < commandTrailer {
		return nil, poll.ErrTruncated
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, errDamaged
	}
	return body, nil
}

// command is a decoded command; frames share the log entry's memory.
type command struct {
	at     int64
	frames [][]byte     // of a ballots command
	manage poll.Command // of any other
}

func decodeCommand(b []byte) (command, error) {
	body, err := cutCRC(b)
	if err != nil {
		return command{}, err
	}
	if len(body) < commandHead {
		return command{}, poll.ErrTruncated
	}
	if body[0] != FormatVersion {
		return command{}, fmt.Errorf("command format %d is not known to this build (it reads up to %d); upgrade voted", body[0], FormatVersion)
	}
	c := command{at: int64(binary.LittleEndian.Uint64(body[2:]))}
	if body[1] == kindBallots {
		c.frames, err = splitFrames(body[commandHead:])
	} else {
		c.manage, err = decodePayload(body[1], body[commandHead:])
	}
	return c, err
}

func splitFrames(b []byte) ([][]byte, error) {
	c := poll.NewCursor(b)
	var frames [][]byte
	for c.Len() > 0 {
		frames = append(frames, c.Blob())
	}
	return frames, c.Err()
}

// EncodeRequest encodes a management command for sending it to the leader, which adds
// the stamp.
func EncodeRequest(c poll.Command) []byte {
	kind, payload := encodePayload(c)
	return appendCRC(append([]byte{FormatVersion, kind}, payload...), 0)
}

// DecodeRequest reads what EncodeRequest wrote.
func DecodeRequest(b []byte) (poll.Command, error) {
	body, err := cutCRC(b)
	if err != nil {
		return nil, err
	}
	if len(body) < 2 || body[0] != FormatVersion {
		return nil, fmt.Errorf("request format is not known to this build: %w", poll.ErrTruncated)
	}
	return decodePayload(body[1], body[2:])
}

func encodePayload(c poll.Command) (kind byte, payload []byte) {
	switch c := c.(type) {
	case poll.Create:
		payload = c.Definition.AppendCanonical(nil)
		payload = append(payload, c.Salt[:]...)
		payload = appendString(payload, c.Key)
		payload = appendString(payload, c.Client)
		payload = append(payload, c.Fingerprint[:]...)
		return kindCreate, append(binary.AppendUvarint(payload, uint64(c.IfRevision)), bit(c.IfAbsent))
	case poll.Patch:
		return kindPatch, encodePatch(c)
	case poll.Close:
		return kindClose, binary.AppendUvarint(appendString(nil, c.Poll), uint64(c.IfRevision))
	case poll.Delete:
		return kindDelete, binary.AppendUvarint(appendString(nil, c.Poll), uint64(c.IfRevision))
	case poll.DrawLot:
		return kindDrawLot, c.AppendPayload(nil)
	case poll.Tick:
		return kindTick, nil
	case poll.Enroll:
		return kindEnroll, encodeEnroll(c)
	case poll.Drop:
		return kindDrop, encodeDrop(c)
	case poll.Raise:
		return kindRaise, binary.AppendUvarint(nil, uint64(c.Level))
	case RestoreStep:
		return kindRestore, encodeRestore(c)
	case poll.IssueToken:
		payload = appendString(append(payload, c.Hash[:]...), c.Member)
		return kindIssueToken, binary.AppendUvarint(payload, uint64(c.TTL))
	case poll.RedeemToken:
		payload = appendString(append(payload, c.Hash[:]...), c.Member)
		return kindRedeemToken, appendString(payload, c.Disk)
	case poll.RevokeTokens:
		return kindRevokeTokens, appendString(nil, c.Member)
	case poll.Schedule:
		payload = binary.AppendUvarint(appendString(nil, c.ID), uint64(c.At))
		payload = append(payload, c.Fingerprint[:]...)
		return kindSchedule, appendString(payload, string(EncodeRequest(c.Do)))
	case poll.Unschedule:
		return kindUnschedule, appendString(nil, c.ID)
	}
	if kind, payload = encodeEndpoint(c); kind != 0 {
		return kind, payload
	}
	panic(fmt.Sprintf("fsm: command %T has no encoding", c))
}

func encodePatch(c poll.Patch) []byte {
	b := appendString(nil, c.Poll)
	b = append(b, c.Request[:]...)
	b = append(b, c.Fingerprint[:]...)
	b = binary.AppendUvarint(b, uint64(c.IfRevision))
	if c.Title != nil {
		b = appendString(append(b, 1), *c.Title)
	} else {
		b = append(b, 0)
	}
	for _, t := range []*int64{c.OpensAt, c.ClosesAt} {
		if t != nil {
			b = binary.AppendUvarint(append(b, 1), uint64(*t))
		} else {
			b = append(b, 0)
		}
	}
	return b
}

func decodePayload(kind byte, payload []byte) (poll.Command, error) {
	if levelOfKind(kind) == 0 {
		return nil, fmt.Errorf("command kind %d is not known to this build, which reads format levels up to %d; upgrade voted", kind, Reads())
	}
	c := poll.NewCursor(payload)
	var cmd poll.Command
	switch kind {
	case kindCreate:
		create := poll.Create{Definition: c.Definition()}
		copy(create.Salt[:], c.Bytes(len(create.Salt)))
		create.Key, create.Client = c.String(), c.String()
		copy(create.Fingerprint[:], c.Bytes(len(create.Fingerprint)))
		create.IfRevision, create.IfAbsent = uint32(c.Bounded(1<<32-1)), c.Byte() == 1
		cmd = create
	case kindPatch:
		cmd = decodePatch(c)
	case kindClose:
		cmd = poll.Close{Poll: c.String(), IfRevision: uint32(c.Bounded(1<<32 - 1))}
	case kindDelete:
		cmd = poll.Delete{Poll: c.String(), IfRevision: uint32(c.Bounded(1<<32 - 1))}
	case kindDrawLot:
		cmd = c.DrawLot()
	case kindTick:
		cmd = poll.Tick{}
	case kindEnroll:
		cmd = decodeEnroll(c)
	case kindDrop:
		cmd = decodeDrop(c)
	case kindRaise:
		cmd = poll.Raise{Level: uint32(c.Bounded(1<<32 - 1))}
	case kindRestore:
		cmd = decodeRestore(c)
	case kindSchedule:
		cmd = decodeSchedule(c)
	case kindUnschedule:
		cmd = poll.Unschedule{ID: c.String()}
	case kindIssueToken, kindRedeemToken, kindRevokeTokens:
		cmd = decodeToken(kind, c)
	case kindPutEndpoint, kindPatchEndpoint, kindDropEndpoint, kindRotateKey, kindProgress, kindRedeliver, kindAlarm:
		cmd = decodeEndpoint(kind, c)
	default:
		return nil, fmt.Errorf("command kind %d has a level and no decoding", kind)
	}
	if c.Err() == nil && c.Len() != 0 {
		return nil, fmt.Errorf("command has %d extra bytes", c.Len())
	}
	return cmd, c.Err()
}

// decodeSchedule reads a schedule and the command in it, which may hold none of its own: so
// the depth has a bound.
func decodeSchedule(c *poll.Cursor) poll.Schedule {
	s := poll.Schedule{ID: c.String(), At: int64(c.Uvarint())} // not checked here: the state refuses bad values
	copy(s.Fingerprint[:], c.Bytes(len(s.Fingerprint)))
	do := c.Blob()
	if len(do) > 1 && do[1] == kindSchedule {
		c.Fail(poll.ErrTruncated)
		return s
	}
	var err error
	if s.Do, err = DecodeRequest(do); err != nil {
		c.Fail(err)
	}
	return s
}

func decodeToken(kind byte, c *poll.Cursor) poll.Command {
	if kind == kindRevokeTokens {
		return poll.RevokeTokens{Member: c.String()}
	}
	var hash poll.TokenHash
	copy(hash[:], c.Bytes(len(hash)))
	member := c.String()
	if kind == kindIssueToken {
		return poll.IssueToken{Hash: hash, Member: member, TTL: int64(c.Uvarint())} // not checked here: the state refuses bad values
	}
	return poll.RedeemToken{Hash: hash, Member: member, Disk: c.String()}
}

func decodePatch(c *poll.Cursor) poll.Patch {
	p := poll.Patch{Poll: c.String()}
	copy(p.Request[:], c.Bytes(len(p.Request)))
	copy(p.Fingerprint[:], c.Bytes(len(p.Fingerprint)))
	p.IfRevision = uint32(c.Bounded(1<<32 - 1))
	if c.Byte() == 1 {
		title := c.String()
		p.Title = &title
	}
	for _, t := range []**int64{&p.OpensAt, &p.ClosesAt} {
		if c.Byte() == 1 {
			at := int64(c.Uvarint()) // not checked here: the poll's rules refuse bad values
			*t = &at
		}
	}
	return p
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
