package main

import (
	"voted/client"
	"voted/internal/ballotfile"
	"voted/internal/textfile"
	"voted/internal/usage"
)

// fileBallot is a ballot with its position in its file.
type fileBallot struct {
	client.BulkBallot
	Line   int
	Offset int64 // bytes read of the file, up to the end of the line
}

// ballotInput is a file of ballots that is being read.
type ballotInput struct {
	*inputFile
	ballotfile.Reader
	table    *ballotfile.CSV // nil if the file is NDJSON
	replaced lineCount       // voters with a replacement character
}

// openBallots opens a file and reads what comes before the ballots.
func openBallots(name string, flags *readingFlags) (*ballotInput, error) {
	if err := refuseKindsWithoutVoters(name); err != nil {
		return nil, err
	}
	in, err := flags.input(name, ballotfile.MaxLineBytes)
	if err != nil {
		return nil, err
	}
	b := &ballotInput{inputFile: in, Reader: ballotfile.NewNDJSON(in.lines)}
	if in.csv {
		b.table = ballotfile.NewCSV(in.lines, flags.VoterColumn, in.separator)
		b.Reader = b.table
	}
	if err := b.Begin(); err != nil {
		_ = in.Close() // nothing was written
		if err = beginProblem(name, err); usage.Is(err) {
			err = usage.Errorf("%w; if the file names no voters, add --anonymous", err)
		}
		return nil, err
	}
	return b, nil
}

// next implements ballotSource.
func (b *ballotInput) next() (fileBallot, error) {
	read, err := b.Next()
	if err != nil {
		return fileBallot{}, err
	}
	b.replaced.look(read.Voter, read.Line)
	return fileBallot{
		BulkBallot: client.BulkBallot{Voter: read.Voter, Ballot: ballotOfMarks(&read), IfVersion: uint64(read.IfVersion)},
		Line:       read.Line, Offset: b.lines.Offset(),
	}, nil
}

// keyed implements ballotSource.
func (b *ballotInput) keyed() bool { return b.Keyed() }

// reading implements ballotSource.
func (b *ballotInput) reading() reading {
	r := b.inputFile.reading()
	r.Ignored = b.Ignored()
	switch {
	case b.table != nil:
		r.Separator, r.VoterColumn = textfile.SeparatorName(b.table.Separator()), b.table.Title(ballotfile.VoterColumn)
	case b.Keyed():
		r.VoterColumn = ballotfile.KeyColumn
	}
	return r
}

// ballotOfMarks makes a ballot of what was read.
func ballotOfMarks(b *ballotfile.Ballot) client.Ballot {
	switch b.Field {
	case "ranking":
		return client.RankTiers(b.Marks.Ranking...)
	case "scores":
		points := make(map[string]int, len(b.Marks.Scores))
		for _, s := range b.Marks.Scores {
			points[s.Option] = s.Points
		}
		return client.Score(points)
	}
	return client.Choose(b.Marks.Selections...)
}

// warnings implements ballotSource.
func (b *ballotInput) warnings() []string { return b.replaced.warnings() }
