"""Files that are edited in sessions."""

from stateroom.session.v1 import editor_service_pb2

from services.session.composition.core import Core, Servicers
from services.session.editors.live.files import Files
from services.session.editors.live.following import Following
from services.session.editors.live.saving import Saving
from services.session.editors.live.watching import Watching
from services.session.editors.servicer import EditorServicer


def editors(core: Core) -> Servicers:
    """Return who serves editors."""
    database = core.service.database
    saving = Saving(database, Files(core.runners))
    following = Following(database, core.bell, Watching(database, saving, core.desk.background))
    return {editor_service_pb2: EditorServicer(database, core.service.pages, saving, following)}
