"""The page's messages.ts against the structs it is written from."""

from core.messages import Message
from core.topics import TOPICS
from services.monitor import wire
from tools import typescript


def test_the_file_is_current():
    assert typescript.TARGET.read_text() == typescript.render(), (
        "stale: run `uv run python -m tools.typescript`"
    )


def test_check_tells_by_its_exit_status(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(typescript, "TARGET", tmp_path / "messages.ts")
    assert typescript.main(["--check"]) == 1
    assert typescript.main([]) == 0
    assert typescript.main(["--check"]) == 0
    assert "current" in capsys.readouterr().out


def test_every_message_and_field_is_in_it():
    text = typescript.render()
    for kind in {topic.message for topic in TOPICS.values()} | {wire.CameraView, wire.Hello}:
        assert f"export interface {kind.__name__} " in text
        for field in kind.__struct_fields__:
            assert f"readonly {field}: " in text
    assert f"export interface {Message.__name__} {{" in text


def test_types_are_those_of_the_wire():
    text = typescript.render()
    assert "readonly keypoints_m: Uint8Array;" in text
    assert 'keypoints_m: { dtype: "<f4", shape: ["J", 3] },' in text
    assert "readonly consumed: readonly (readonly [string, number])[];" in text
    assert "readonly keypoints2d: Keypoints2D | null;" in text
    assert "readonly ack?: number;" in text
    assert "export type Batch = readonly [number: number, letters: readonly Letter[]];" in text
