// Package feed publishes journals of a cluster to a broker: its events, and the records of
// polls' boxes. Every message is stored once, in order, also while feeds are killed, several
// run at a time, the broker restarts, or the cluster elects.
//
// A feed keeps nothing. The last message that the broker stored says where to go on, and a
// message is stored only if the broker's stream still ends where the feed thinks it does. So
// of two feeds one loses a race and looks at the end again; neither loses or repeats a
// message.
//
// Messages are published in windows, without waiting for one to be stored before the next is
// sent. The broker checks the place of each, not what is before it. That is enough as long as
// all feeds put the same message at the same place, and they do while numbers follow one
// another. A message that does not follow (the first one, and one after a gap) is therefore
// published alone, and the feed goes on once it is stored.
package feed
