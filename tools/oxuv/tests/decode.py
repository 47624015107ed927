"""Decodes a Perfetto trace with Perfetto's own schema and prints what it shows, a line for each thing.

The trace is refused if it has fields that the schema does not know, refers to names or tracks that are not there,
goes back in time, or ends slices that did not begin.
"""

import sys
from collections import Counter

from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema


def unknown_fields(message):
    """Returns how many fields of the message are not in the schema."""
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    return message.ByteSize() - known.ByteSize()


def main(path):
    trace = schema.Trace()
    with open(path, "rb") as file:
        trace.ParseFromString(file.read())
    assert unknown_fields(trace) == 0, "fields that the schema does not know"
    event_type = schema.TrackEvent.Type
    names, categories, tracks = {}, {}, {}
    open_slices, flows, shown, last = {}, {}, [], 0
    values = Counter()
    for packet in trace.packet:
        assert packet.trusted_packet_sequence_id == 1
        if packet.HasField("interned_data"):
            names.update({it.iid: it.name for it in packet.interned_data.event_names})
            categories.update({it.iid: it.name for it in packet.interned_data.event_categories})
        if packet.HasField("clock_snapshot"):
            clocks = {it.clock_id: it.timestamp for it in packet.clock_snapshot.clocks}
            assert packet.clock_snapshot.primary_trace_clock == 3 and set(clocks) == {1, 3}
        if packet.HasField("track_descriptor"):
            it = packet.track_descriptor
            assert it.parent_uuid in tracks or it.parent_uuid == 0
            tracks[it.uuid] = it.name or it.thread.thread_name or it.process.process_name
        if not packet.HasField("track_event"):
            continue
        event, now = packet.track_event, packet.timestamp
        assert now >= last, "back in time"
        last = now
        track = tracks[event.track_uuid]
        stack = open_slices.setdefault(track, [])
        annotations = {it.name: it for it in event.debug_annotations}
        if event.type == event_type.TYPE_SLICE_BEGIN:
            name = names[event.name_iid]
            [category] = [categories[it] for it in event.category_iids]
            stack.append((name, now))
            shown.append(("slice", track.rsplit(" ", 1)[0], category, name))
            for flow in event.flow_ids:
                flows.setdefault(flow, []).append(name)
            if "note" in annotations:
                shown.append(("note", name, annotations["note"].string_value))
        elif event.type == event_type.TYPE_SLICE_END:
            name, began = stack.pop()
            assert now >= began
        elif event.type == event_type.TYPE_INSTANT:
            extra = [f"{it.name}={it.uint_value}" for it in event.debug_annotations if it.name != "object"]
            shown.append(("instant", names[event.name_iid], *[it for it in extra if "tid" not in it]))
        elif event.type == event_type.TYPE_COUNTER:
            values[track] = max(values[track], event.counter_value)
    assert not any(open_slices.values()), "slices without an end"
    for line in shown:
        print("\t".join(line))
    for flow in flows.values():
        print("flow\t" + " > ".join(flow))
    for track, value in values.items():
        print(f"counter\t{track}\t{value if 'pool' in track else '-'}")


main(sys.argv[1])
