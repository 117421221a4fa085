"""The words that processes of one host share: who may see what, in the order in which it happens."""

import os
import signal
from pathlib import Path

import pytest

from tokens.verify_cache import words as module
from tokens.verify_cache.words import EVERYTHING, SLOTS, SharedWords, Unusable, bucket_of

FAMILY = 7
SESSION = 4242


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "words"


def stands(words: SharedWords, stamp: module.Stamp) -> bool:
    return (words.words[EVERYTHING], words.words[stamp.bucket]) == (stamp.everything, stamp.word)


@pytest.mark.parametrize("word", [EVERYTHING, bucket_of(FAMILY)])
def test_an_answer_kept_before_a_writer_marks_counts_no_more_from_then_on(path: Path, word: int) -> None:
    verifier, writer = SharedWords(path), SharedWords(path)
    stamp = verifier.stamp(verifier.seen(), FAMILY)
    assert stamp is not None
    assert stands(verifier, stamp)
    slot = writer.mark(word, SESSION)
    assert not stands(verifier, stamp)
    writer.clear(slot)
    assert not stands(verifier, stamp)


@pytest.mark.parametrize("word", [EVERYTHING, bucket_of(FAMILY)])
def test_nothing_is_kept_while_a_commit_is_on_its_way(path: Path, word: int) -> None:
    verifier, writer = SharedWords(path), SharedWords(path)
    slot = writer.mark(word, SESSION)
    seen = verifier.seen()
    writer.clear(slot)  # before the answer is kept: what was seen before the SELECT counts
    assert verifier.stamp(seen, FAMILY) is None
    assert verifier.stamp(verifier.seen(), FAMILY) is not None


def test_a_word_stays_shut_until_the_last_of_two_writers_is_done(path: Path) -> None:
    verifier, writer = SharedWords(path), SharedWords(path)
    first, second = writer.mark(bucket_of(FAMILY), 1), writer.mark(bucket_of(FAMILY), 2)
    writer.clear(first)
    assert verifier.stamp(verifier.seen(), FAMILY) is None
    writer.clear(second)
    assert verifier.stamp(verifier.seen(), FAMILY) is not None


def test_families_of_other_buckets_are_left_alone(path: Path) -> None:
    verifier, writer = SharedWords(path), SharedWords(path)
    stamp = verifier.stamp(verifier.seen(), FAMILY + 1)
    assert stamp is not None
    writer.mark(bucket_of(FAMILY), SESSION)
    assert stands(verifier, stamp)
    assert verifier.stamp(verifier.seen(), FAMILY + 1) is not None


def test_no_word_comes_back(path: Path) -> None:
    words = SharedWords(path)
    values = set()
    for _ in range(2_000):
        words.clear(words.mark(EVERYTHING, SESSION))
        values.add(words.words[EVERYTHING])
    assert len(values) == 2_000


def test_a_dead_writer_leaves_its_word_shut_until_its_session_is_gone(path: Path) -> None:
    verifier = SharedWords(path)
    child = os.fork()
    if not child:
        SharedWords(path).mark(bucket_of(FAMILY), SESSION)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert verifier.stamp(verifier.seen(), FAMILY) is None
    found = verifier.orphans()
    assert len(found) == 1
    assert verifier.settle(found, {SESSION}) == 0
    assert verifier.stamp(verifier.seen(), FAMILY) is None
    assert verifier.settle(verifier.orphans(), {SESSION + 1}) == 1
    assert verifier.stamp(verifier.seen(), FAMILY) is not None
    assert verifier.orphans() == []


def test_a_living_writer_is_no_orphan_and_its_child_has_none_of_its_slots(path: Path) -> None:
    writer = SharedWords(path)
    mine = writer.mark(EVERYTHING, SESSION)
    child = os.fork()
    if not child:
        found = writer.orphans()
        other = writer.mark(EVERYTHING, SESSION)
        os._exit(0 if found == [] and other not in (mine, -1) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert writer.marked() == 2
    assert writer.settle(writer.orphans(), ()) == 1  # the child's
    assert writer.marked() == 1


def test_a_lost_commit_is_as_good_as_dead(path: Path) -> None:
    words = SharedWords(path)
    words.abandon(words.mark(EVERYTHING, SESSION))
    assert words.stamp(words.seen(), FAMILY) is None
    assert words.settle(words.orphans(), ()) == 1


def test_where_no_slot_is_free_nothing_is_kept_any_more(path: Path) -> None:
    words = SharedWords(path)
    slots = [words.mark(bucket_of(FAMILY), SESSION) for _ in range(SLOTS)]
    assert slots[-1] == -1
    assert words.is_full
    for slot in slots:
        words.clear(slot)
    words.settle(words.orphans(), ())
    assert words.stamp(words.seen(), FAMILY + 1) is None


def test_a_file_that_is_not_ours_is_not_used(path: Path, tmp_path: Path) -> None:
    SharedWords(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(Unusable):
        SharedWords(path)
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(Unusable):
        SharedWords(link)
    other = tmp_path / "other"
    other.write_bytes(b"anything")
    other.chmod(0o600)
    with pytest.raises(Unusable):
        SharedWords(other)
    with pytest.raises(Unusable):
        SharedWords(tmp_path / "nowhere" / "words")


def test_two_maps_are_never_taken_for_one(tmp_path: Path) -> None:
    assert SharedWords(tmp_path / "a").id != SharedWords(tmp_path / "b").id
