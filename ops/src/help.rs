//! What `--help` says beside the options.

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  nothing was found
  1  something was found, each on a line of its own on stdout
  2  wrong use
  3  it could not be done";

pub(crate) const VERIFY_EXAMPLES: &str = "\
Examples:
  strangelog verify --stack strangelog --profile audit
  strangelog verify user-01a1e50a-5950-7a61-8fa4-5be3d833d61d
  strangelog verify --output json | jq -r .stream | sort -u
  strangelog verify --endpoint http://127.0.0.1:8000

A missing part says that a command wrote to several streams, and that its commit in this one is gone: a restore or a deletion
tore it. Stop the commands, restore the events table to another moment or from another backup, and verify again before they
go on. Where there is none, make good what is missing by a command that says why; put no commit there by hand. A stream that
is named is looked at for the commands that it has a part in.

It needs dynamodb:Scan and dynamodb:Query on the events table, dynamodb:Scan and dynamodb:GetItem on the heads table.
A well-formed commit that somebody appended at the end of a stream is not found, nor what was changed in commits that the
publisher had not yet seen, nor that a command over several streams is gone from them all.";

pub(crate) const CLAIMS_EXAMPLES: &str = "\
Examples:
  strangelog claims --claims-key-file key.txt
  CLAIMS_KEY=… strangelog claims --repair
  strangelog claims --endpoint http://127.0.0.1:8000

Two live streams that hold one value are named and not mended: a person must change it in one of them. The stream that the
claim names keeps it; if it names neither, the one that has held the value longest is given it. Only that one can give it up:
change its value, then repair again, and the other one has the claim.
It needs dynamodb:Scan and dynamodb:Query on the events table, dynamodb:Scan and dynamodb:GetItem on the claims table; for
--repair also dynamodb:ConditionCheckItem on the first, dynamodb:PutItem and dynamodb:DeleteItem on the second.";

pub(crate) const DELIVERIES_EXAMPLES: &str = "\
Examples:
  strangelog deliveries                                          every stream that is behind, for every consumer, and why
  strangelog deliveries --consumer search --status failed
  strangelog deliveries --stream user-01a1e50a-5950-7a61-8fa4-5be3d833d61d
  strangelog deliveries --unpublished                            what the publisher has not seen, too: reads the whole events table

Pending is what a consumer has not taken in yet, processing what it is at work on, failed what it tried in vain; what is parked
waits for a redrive or another build. It needs dynamodb:GetItem, dynamodb:BatchGetItem and dynamodb:Query on the tables of the
consumers and of the heads, dynamodb:Query on the events table, and for --unpublished dynamodb:Scan on that.";

pub(crate) const LAG_EXAMPLES: &str = "\
Examples:
  strangelog lag
  strangelog lag --consumer statistics --output json

Where search is left out (Search=off), name it: --without search.
At most 1,000 streams with news are looked at for each consumer; `or more` says that there are others.";

pub(crate) const REDRIVE_EXAMPLES: &str = "\
Examples:
  strangelog redrive search --reason 'mended in build 4711'
  strangelog redrive welcome --stream user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --reason 'the mailbox is back'

It writes who asked and why to a stream of its own; the consumer hears of it and tries again, in order. It needs dynamodb:Query and
dynamodb:PutItem on the events table.";

pub(crate) const REBUILD_EXAMPLES: &str = "\
Examples:
  strangelog rebuild users --diff                                what this build would make otherwise; nothing is written
  strangelog rebuild users --reason 'phone numbers were lost'    makes a new generation beside the one that is shown
  strangelog rebuild users --switch --reason 'looks right'       shows it, in one write
  strangelog rebuild users --switch-back --reason 'it was not'
  strangelog rebuild users --cancel --reason 'not needed'        lets go the one in the making, or the one that is kept
  strangelog rebuild users --stream user-01a1e50a-5950-7a61-8fa4-5be3d833d61d --reason 'one user alone'

The consumer's own function does it, on its own queue, beside live traffic; it goes on whether or not this waits (Ctrl-C ends the
waiting alone). Both generations are written until one is let go. Mails are never sent again: what has effects has no rebuild.
--diff folds every stream with this build, and compares with the generation that is shown: before a rebuild or before the switch.
It needs dynamodb:Query and dynamodb:PutItem on the events table, dynamodb:GetItem and dynamodb:Query on the consumer's table, and for
--diff dynamodb:Scan on the events table.";
