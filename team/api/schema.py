from drf_spectacular.openapi import AutoSchema


class ApiSchema(AutoSchema):
    pass
