"""What can go wrong with templates."""

from uuid import UUID

from chassis.errors import InvalidArgument, NotFound, Violation, WrongState


class TemplateNotFound(NotFound):
    """There is no template {templateId} that this account sees."""

    reason = "TEMPLATE_NOT_FOUND"

    def __init__(self, template_id: UUID) -> None:
        super().__init__(templateId=str(template_id))


class TemplateNotDeleted(WrongState):
    """Template {templateId} is not deleted."""

    reason = "TEMPLATE_NOT_DELETED"

    def __init__(self, template_id: UUID) -> None:
        super().__init__(templateId=str(template_id))


class InvalidTemplate(InvalidArgument):
    """Nothing can be made of the template: {field}: {description}"""  # noqa: D415  # the description ends the sentence

    reason = "INVALID_TEMPLATE"

    def __init__(self, field: str, description: str) -> None:
        self.violations = (Violation(field, description),)
        super().__init__(field=field, description=description)


class ParametersDoNotFit(InvalidArgument):
    """The values do not fit the template's parameters ({problems}): {field}: {description}"""  # noqa: D415  # as above

    reason = "PARAMETERS_DO_NOT_FIT"

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        first = violations[0]
        super().__init__(problems=str(len(violations)), field=first.field, description=first.description)
