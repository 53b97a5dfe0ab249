from typing import Any

# The kernel is built as several modules. `dispatch.import_kernel` chooses one of them.
functions: Any
