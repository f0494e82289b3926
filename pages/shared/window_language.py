"""What an open window and Streamlit say to each other, as far as the gate must know it to lock one (see `access.open_windows`)."""

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

LOCKED_TITLE = "Signed out"


class StreamlitLanguage:
    """Streamlit's messages, read one at a time."""

    def asks_for_page(self, said: bytes) -> bytes | None:
        """Give what has the page of a window drawn anew, without what was typed there; None if `said` asks for no page."""
        try:
            message = BackMsg.FromString(said)
        except DecodeError:
            return None
        if message.WhichOneof("type") != "rerun_script":
            return None
        kept, asked = BackMsg(), message.rerun_script
        kept.rerun_script.query_string = asked.query_string
        kept.rerun_script.page_script_hash = asked.page_script_hash
        kept.rerun_script.page_name = asked.page_name
        kept.rerun_script.context_info.CopyFrom(asked.context_info)
        return bytes(kept.SerializeToString())

    def is_locked_page(self, drawn: bytes) -> bool:
        """Say whether what is sent to a window is part of the locked page."""
        message = ForwardMsg.FromString(drawn)
        return bool(message.delta.new_element.heading.body == LOCKED_TITLE)

    def is_end(self, drawn: bytes) -> bool:
        """Say whether what is sent to a window says that all is drawn."""
        message = ForwardMsg.FromString(drawn)
        # comes after script_finished; cut off between the two, the browser would go on saying that the page is being drawn
        return message.WhichOneof("type") == "session_status_changed" and not message.session_status_changed.script_is_running
